// What SIPp's callers do, as scenarios: a call that lasts, a call that must be answered, one that must be refused with 503 and
// Retry-After, and a call that may be either, but never nothing.

const HEADERS = (prefix: string, method: string, cseq: number, to: string): string => `
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:${prefix}[call_number]@[local_ip]:[local_port]>;tag=[pid]t${prefix}[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>${to}
      Call-ID: [call_id]
      CSeq: ${cseq} ${method}
      Contact: <sip:${prefix}[call_number]@[local_ip]:[local_port]>
      Max-Forwards: 70`;

const invite = (prefix: string): string => `<send retrans="500"><![CDATA[
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0${HEADERS(prefix, "INVITE", 1, "")}
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=- 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000
    ]]></send><recv response="100" optional="true"/><recv response="180" optional="true"/>`;

const ack = (prefix: string): string => `<send><![CDATA[
      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0${HEADERS(prefix, "ACK", 1, "[peer_tag_param]")}
      Content-Length: 0

    ]]></send>`;

const bye = (prefix: string): string => `<send retrans="500"><![CDATA[
      BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0${HEADERS(prefix, "BYE", 2, "[peer_tag_param]")}
      Content-Length: 0

    ]]></send><recv response="200"/>`;

const RETRY_AFTER = `<action><ereg regexp="[0-9]+" search_in="hdr" header="Retry-After:" check_it="true" assign_to="retry"/></action>`;

const scenario = (body: string): string => `<?xml version="1.0" encoding="UTF-8"?><scenario name="caller">${body}</scenario>`;

/** Answered, held for so long, and ended by the caller; fails when the call is cut before. */
export function heldCall(prefix: string, holdMs: number): string {
  return scenario(`${invite(prefix)}<recv response="200" rrs="true"/>${ack(prefix)}<pause milliseconds="${holdMs}"/>${bye(prefix)}`);
}

/** Refused with 503 and Retry-After, and nothing else. */
export function refusedCall(prefix: string): string {
  return scenario(`${invite(prefix)}<recv response="503">${RETRY_AFTER}</recv>${ack(prefix)}<Reference variables="retry"/>`);
}

/** Answered or refused with 503 and Retry-After: any other end, silence above all, is a failed call. */
export function answeredOrRefused(prefix: string): string {
  return scenario(`${invite(prefix)}<recv response="503" optional="true" next="refused">${RETRY_AFTER}</recv><recv response="200" rrs="true"/>${ack(prefix)}${bye(prefix)}<nop next="end"/><label id="refused"/>${ack(prefix)}<label id="end"/><Reference variables="retry"/>`);
}
