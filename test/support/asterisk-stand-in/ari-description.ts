/**
 * ARI's description of itself in Swagger 1.1, as far as ari-client needs it here: the operations that the agent calls, and
 * the events that it is sent. Written for this stand-in; names and paths are those of the interface, the words are ours.
 */

interface Parameter {
  readonly name: string;
  readonly paramType: "path" | "query" | "body";
  readonly dataType: string;
  readonly required?: boolean;
}

interface Operation {
  readonly path: string;
  readonly httpMethod: "GET" | "POST" | "PUT" | "DELETE";
  readonly nickname: string;
  readonly responseClass: string;
  readonly parameters: readonly Parameter[];
}

const path = (name: string): Parameter => ({ name, paramType: "path", dataType: "string", required: true });
const query = (name: string, dataType = "string"): Parameter => ({ name, paramType: "query", dataType });

const OPERATIONS: Readonly<Record<string, readonly Operation[]>> = {
  asterisk: [
    { path: "/asterisk/info", httpMethod: "GET", nickname: "getInfo", responseClass: "AsteriskInfo", parameters: [query("only")] },
    { path: "/asterisk/ping", httpMethod: "GET", nickname: "ping", responseClass: "AsteriskPing", parameters: [] },
  ],
  applications: [
    { path: "/applications", httpMethod: "GET", nickname: "list", responseClass: "List[Application]", parameters: [] },
    { path: "/applications/{applicationName}", httpMethod: "GET", nickname: "get", responseClass: "Application", parameters: [path("applicationName")] },
    { path: "/applications/{applicationName}/subscription", httpMethod: "POST", nickname: "subscribe", responseClass: "Application", parameters: [path("applicationName"), query("eventSource")] },
    { path: "/applications/{applicationName}/eventFilter", httpMethod: "PUT", nickname: "filter", responseClass: "Application", parameters: [path("applicationName"), { name: "filter", paramType: "body", dataType: "object" }] },
  ],
  channels: [
    { path: "/channels", httpMethod: "GET", nickname: "list", responseClass: "List[Channel]", parameters: [] },
    {
      path: "/channels",
      httpMethod: "POST",
      nickname: "originate",
      responseClass: "Channel",
      parameters: [query("endpoint"), query("extension"), query("context"), query("priority", "long"), query("app"), query("appArgs"), query("timeout", "int"), query("channelId")],
    },
    { path: "/channels/{channelId}", httpMethod: "DELETE", nickname: "hangup", responseClass: "void", parameters: [path("channelId"), query("reason_code"), query("reason")] },
  ],
  events: [{ path: "/events", httpMethod: "GET", nickname: "eventWebsocket", responseClass: "Message", parameters: [query("app"), query("subscribeAll", "boolean")] }],
};

const text = { type: "string", required: true };
const EVENT = { type: text, application: text, timestamp: { type: "Date" } };

const MODELS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  applications: { Application: { name: text } },
  channels: { Channel: { id: text, name: text, state: text } },
  asterisk: { AsteriskInfo: { system: { type: "object" }, config: { type: "object" } }, AsteriskPing: { ping: text } },
  events: {
    Message: { type: text },
    StasisStart: { ...EVENT, args: { type: "List[string]", required: true }, channel: { type: "Channel", required: true } },
    StasisEnd: { ...EVENT, channel: { type: "Channel", required: true } },
    ContactStatusChange: { ...EVENT, contact_info: { type: "ContactInfo", required: true } },
    PeerStatusChange: { ...EVENT, endpoint: { type: "Endpoint", required: true }, peer: { type: "Peer", required: true } },
    ApplicationReplaced: EVENT,
  },
};

/** The list of resources: the answer to `/ari/api-docs/resources.json`. */
export function describeResources(baseUrl: string): object {
  return { apiVersion: "stand-in", swaggerVersion: "1.1", basePath: `${baseUrl}/ari`, apis: Object.keys(OPERATIONS).map((name) => ({ path: `/api-docs/${name}.{format}`, description: `The agent's use of ${name}` })) };
}

/** One resource: the answer to `/ari/api-docs/NAME.json`; null when there is none of that name. */
export function describeResource(name: string, baseUrl: string): object | null {
  const operations = OPERATIONS[name];
  if (operations === undefined) return null;
  const models = Object.entries(MODELS[name] ?? {}).map(([id, properties]) => [id, { id, properties }]);
  return {
    apiVersion: "stand-in",
    swaggerVersion: "1.1",
    basePath: `${baseUrl}/ari`,
    resourcePath: `/api-docs/${name}.{format}`,
    apis: operations.map(({ path: at, ...operation }) => ({ path: at, operations: [{ summary: operation.nickname, ...operation }] })),
    models: Object.fromEntries(models) as object,
  };
}
