/** What figures share: measurements that several of them need, and pairs that are kept open from one to the next. */
import type { Bench, Resource } from "./figure.ts";

export function makeBench(options: { readonly runs: number; readonly minutes: number; readonly say: (line: string) => void }): Bench {
  const results = new Map<string, Promise<unknown>>();
  const resources = new Map<string, Promise<Resource>>();
  return {
    ...options,
    once: <T>(key: string, make: () => Promise<T>) => {
      const known = results.get(key) ?? make();
      results.set(key, known);
      return known as Promise<T>;
    },
    resource: <T extends Resource>(key: string, open: () => Promise<T>) => {
      const known = resources.get(key) ?? open();
      resources.set(key, known);
      return known as Promise<T>;
    },
    release: async () => {
      const open = [...resources.values()];
      resources.clear();
      for (const each of await Promise.allSettled(open)) if (each.status === "fulfilled") await each.value.close();
    },
  };
}
