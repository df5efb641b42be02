/** Where the facts of a node come from when no knob gives them: EC2 for the Elastic IP, the instance metadata for the VPC's networks. */
import type { Imds } from "../adapters/imds.ts";
import type { Cloud } from "../ports.ts";
import type { FactSource } from "./values.ts";

/** The address comes from EC2 and never from the metadata, which knows it on the active only. */
export function factSource(cloud: Pick<Cloud, "readAddress">, imds: Pick<Imds, "read">): FactSource {
  return {
    elasticIp: async (signal) => (await cloud.readAddress(signal)).publicIp,
    localNet: async (signal) => {
      const mac = await imds.read("mac", signal);
      const networks = await imds.read(`network/interfaces/macs/${mac}/vpc-ipv4-cidr-blocks`, signal);
      return networks.split(/\s+/).filter((network) => network !== "").join(",");
    },
  };
}
