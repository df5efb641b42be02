/**
 * The core with one change, and its tests, in memory: a new instance of every module of agent/core, one of them mutated,
 * under bundles of the real tests. Nothing on disk changes, and a mutant costs no process.
 */
import { basename } from "node:path";
import { compileFunction } from "node:vm";

/** What the bundles export. */
type Exports = Record<string, unknown>;
type Load = (module: { exports: Exports }, exports: Exports, require: (name: string) => unknown) => void;

/** Texts of modules, as CommonJS. Plain data, for worker threads. */
export interface Sources {
  /** By file name in agent/core. */
  readonly core: Readonly<Record<string, string>>;
  /** By name: the layers of tests, and `settings`, which is made once and never sees a mutant. */
  readonly bundles: Readonly<Record<string, string>>;
}

/** How bundles ask for a module of the core, and for what is made once. */
export const CORE = "core:";
export const FIXED = "fixed:";

/** Compiles every source once; makes worlds out of them. */
export class Worlds {
  readonly #core: ReadonlyMap<string, Load>;
  readonly #bundles: ReadonlyMap<string, Load>;
  readonly #fixed = new Map<string, Exports>();
  readonly #require: (name: string) => unknown;

  /** @param require how packages and node's own modules are found; they are loaded once */
  constructor({ core, bundles }: Sources, require: (name: string) => unknown) {
    this.#require = require;
    this.#core = new Map(Object.entries(core).map(([name, code]) => [name, compiled(code, name)]));
    this.#bundles = new Map(Object.entries(bundles).map(([name, code]) => [name, compiled(code, name)]));
  }

  /** A new world, in which `file` of the core is `code`. The returned function loads a bundle into it. */
  make(file: string | null, code: string): (bundle: string) => Exports {
    const mutant = file === null ? null : compiled(code, file);
    const loaded = new Map<string, { exports: Exports }>();
    const requireIn = (name: string): unknown => {
      if (name.startsWith(FIXED)) return this.#fixedModule(name.slice(FIXED.length));
      const inCore = name.startsWith(CORE) ? name.slice(CORE.length) : name.startsWith("./") ? basename(name) : null;
      return inCore === null ? this.#require(name) : core(inCore);
    };
    const core = (name: string): Exports => {
      const known = loaded.get(name);
      if (known !== undefined) return known.exports;
      const module = { exports: {} };
      loaded.set(name, module);
      const load = name === file ? mutant : this.#core.get(name);
      if (load == null) throw new Error(`agent/core has no ${name}`);
      load(module, module.exports, requireIn);
      return module.exports;
    };
    return (bundle) => run(this.#bundle(bundle), requireIn);
  }

  #bundle(name: string): Load {
    const load = this.#bundles.get(name);
    if (load === undefined) throw new Error(`there is no bundle ${name}`);
    return load;
  }

  /** With the core as it is. */
  #fixedModule(name: string): Exports {
    const known = this.#fixed.get(name) ?? this.make(null, "")(name);
    this.#fixed.set(name, known);
    return known;
  }
}

function compiled(code: string, filename: string): Load {
  return compileFunction(code, ["module", "exports", "require"], { filename }) as Load;
}

function run(load: Load, requireIn: (name: string) => unknown): Exports {
  const module = { exports: {} };
  load(module, module.exports, requireIn);
  return module.exports;
}
