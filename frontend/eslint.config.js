import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const nouns = ["alerts", "assets", "audit", "auth", "companies", "incidents", "ledger", "overview", "people"];

/** Imports run one way: lib → api → live → components → features → app; features never import each other. */
const rooms = [
  { files: ["src/lib/**"], banned: ["@/api/*", "@/live/*", "@/components/*", "@/features/*", "@/app/*"] },
  { files: ["src/api/**"], banned: ["@/live/*", "@/components/*", "@/features/*", "@/app/*"] },
  { files: ["src/live/**"], banned: ["@/components/*", "@/features/*", "@/app/*"] },
  { files: ["src/components/**"], banned: ["@/features/*", "@/app/*"] },
  ...nouns.map((noun) => ({
    files: [`src/features/${noun}/**`],
    banned: ["@/app/*", ...nouns.filter((other) => other !== noun).map((other) => `@/features/${other}/*`)],
  })),
];

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/schema.d.ts"] },
  js.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}", "vite.config.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      complexity: ["error", 15],
      "max-lines": ["error", { max: 400, skipBlankLines: true }],
      "no-console": "error",
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [jsxA11y.flatConfigs.recommended, reactHooks.configs.flat.recommended],
    // Fields of ours take the focus only inside what was opened to type into.
    rules: { "jsx-a11y/no-autofocus": ["error", { ignoreNonDOM: true }] },
  },
  ...rooms.map(({ files, banned }) => ({
    files,
    rules: {
      "no-restricted-imports": ["error", { patterns: [{ group: banned, message: "Imports run one way." }] }],
    },
  })),
  { files: ["scripts/**", "eslint.config.js"], languageOptions: { globals: globals.node } },
  { files: ["public/**"], languageOptions: { globals: globals.browser, sourceType: "script" } },
);
