// The address plan of the lab: a small VPC behind an internet gateway, with the addresses that are reserved for examples.
// It exists only inside the lab's own network namespaces.

/** Machines that can hold the Elastic IP. */
export const NODES = ["node-a", "node-b", "node-c"] as const;
export type NodeName = (typeof NODES)[number];

/** Everything that has a network of its own (a namespace); `igw` is the router between all the others. */
export type Place = NodeName | "witness" | "aws" | "caller" | "igw";

/** What a fault can name: a place, the Elastic IP as a destination, or the private reference. */
export type FaultEnd = Exclude<Place, "igw"> | "eip" | "reference";

/** The Elastic IP: what callers talk to. */
export const ELASTIC_IP = "203.0.113.10";
/** All private addresses; traffic inside it is never translated. */
export const VPC_CIDR = "10.0.0.0/16";
/** Port on which the emulated AWS endpoints are expected at `ADDRESS.aws`. */
export const AWS_PORT = 4566;
/** The known-good address on the private side (on AWS: the VPC's resolver). A listener accepts TCP there. */
export const REFERENCE_PRIVATE = { address: "10.0.0.2", port: 53 } as const;
/** The known-good address on the public side (on AWS: the Region's EC2 endpoint). A listener accepts TCP there. */
export const REFERENCE_PUBLIC = { address: "10.0.9.10", port: 443 } as const;
/** The metadata services: one address a node, all in the aws namespace. No fault cuts them, as none does on EC2. */
export const IMDS_CIDR = "10.0.8.0/24";

/** The address of each place. Nodes know no other address of themselves: the public ones exist only in the router. */
export const ADDRESS = {
  "node-a": "10.0.1.10",
  "node-b": "10.0.2.10",
  "node-c": "10.0.3.10",
  witness: "10.0.4.10",
  aws: "10.0.9.10",
  caller: "198.51.100.10",
} as const satisfies Record<Exclude<Place, "igw">, string>;

/** A second private address of each node, for its way to AWS (`AWS_LOCAL_ADDRESS`): it does not depend on the Elastic IP. */
export const MANAGEMENT_ADDRESS = {
  "node-a": "10.0.1.20",
  "node-b": "10.0.2.20",
  "node-c": "10.0.3.20",
} as const satisfies Record<NodeName, string>;

/** The public address of each node's management address: an Elastic IP of its own, which never moves. */
export const MANAGEMENT_PUBLIC_ADDRESS = {
  "node-a": "203.0.113.201",
  "node-b": "203.0.113.202",
  "node-c": "203.0.113.203",
} as const satisfies Record<NodeName, string>;

/** The public address that a place has by itself, in use while it doesn't hold the Elastic IP. */
export const AUTOMATIC_PUBLIC_ADDRESS = {
  "node-a": "203.0.113.101",
  "node-b": "203.0.113.102",
  "node-c": "203.0.113.103",
  witness: "203.0.113.104",
} as const satisfies Record<NodeName | "witness", string>;

/** Where the emulator of a node's instance metadata listens (in the aws namespace). */
export const IMDS_ADDRESS = {
  "node-a": "10.0.8.1",
  "node-b": "10.0.8.2",
  "node-c": "10.0.8.3",
  witness: "10.0.8.4",
} as const satisfies Record<NodeName | "witness", string>;

/** True for the places that can hold the Elastic IP. */
export function isNode(place: Place): place is NodeName {
  return (NODES as readonly Place[]).includes(place);
}
