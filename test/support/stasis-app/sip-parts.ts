// What callers and callees played by SIPp say alike.

/** What both offer, and answer, in the lab: audio and keys by RFC 4733. */
export const SDP = `Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0 101
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
`;

/** No body. */
export const EMPTY = "Content-Length: 0\n\n";

/** 200 OK to a request within the call. That to an INVITE is sent again until it is acknowledged. */
export const okInCall = (body: string, sent: "once" | "until it is acknowledged"): string => `<send${sent === "once" ? "" : ' retrans="500"'}><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      ${body}
    ]]></send>`;
