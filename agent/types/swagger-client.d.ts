/** The part of swagger-client 2.0.26 (no types are published) that ari-transport.ts replaces. */
declare module "swagger-client" {
  /** What swagger-client wants back from HTTP. */
  export interface SwaggerResponse {
    readonly status: number;
    readonly statusText: string;
    readonly data: string;
    /** The parsed body, when it is JSON. */
    readonly obj?: unknown;
    readonly headers: Readonly<Record<string, string>>;
  }

  /** One HTTP exchange as swagger-client asks for it. */
  export interface SwaggerExchange {
    readonly url: string;
    readonly method: string;
    readonly body?: string;
    readonly on: { response(response: SwaggerResponse): void; error(response: SwaggerResponse): void };
  }

  const swagger: {
    readonly SwaggerHttp: { readonly prototype: { execute(exchange: SwaggerExchange): void } };
    /** What ari-client makes to hold its credentials. */
    PasswordAuthorization: new () => { apply(): boolean };
  };
  export { swagger as default };
}
