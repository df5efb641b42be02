// Lint rules: the strictest type-aware set, plus the walls around agent/core that keep it pure.
import tseslint from "typescript-eslint";

/** What would let time, chance, the process or the outside world into the core. */
const IMPURE_GLOBALS = ["Date", "performance", "setTimeout", "setInterval", "setImmediate", "process", "fetch", "console", "crypto", "Buffer", "queueMicrotask"];

export default tseslint.config(
  { ignores: ["node_modules/", "dist/", ".cache/", "ecosystem.config.js", "eslint.config.js", "**/*.mjs"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test", "it", "describe", "suite"] }] }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "max-lines": ["error", { max: 300, skipBlankLines: true }],
      "max-lines-per-function": ["error", { max: 70, skipBlankLines: true, skipComments: true }],
      "no-restricted-syntax": ["error", { selector: "ExportDefaultDeclaration", message: "Named exports only." }, { selector: "MemberExpression[object.name='AbortSignal'][property.name='any']", message: "A signal that lives long would collect its followers: use within() or stopAfter() of agent/adapters/interruptible.ts." }],
    },
  },
  {
    files: ["test/**/*.ts"],
    // A test file is a list of cases inside one describe(): its length is not a smell, and neither are its small casts.
    rules: { "max-lines-per-function": "off" },
  },
  {
    // What the browser runs, checked by its own tsconfig.json: plain JavaScript has no place for the cast after JSON.parse().
    files: ["agent/status/page/browser/*.js"],
    rules: { "@typescript-eslint/no-unsafe-assignment": "off" },
  },
  {
    files: ["agent/core/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", ...IMPURE_GLOBALS.map((name) => ({ name, message: "agent/core is pure: time, chance and the outside world arrive in events." }))],
      "no-restricted-properties": ["error", { object: "Math", property: "random", message: "Chance arrives in events." }],
      "no-restricted-imports": ["error", { patterns: [{ group: ["node:*", "../*"], message: "agent/core imports only its own files (and zod)." }] }],
    },
  },
);
