// What `make lint` asks of the JavaScript; no package beside ESLint itself is needed.
const browser = ["Blob", "BroadcastChannel", "CustomEvent", "DataTransfer", "DataView", "Event",
  "Image", "IntersectionObserver", "KeyboardEvent", "MutationObserver", "TextDecoder", "URL",
  "URLSearchParams", "clearTimeout", "createImageBitmap", "crypto", "document", "getComputedStyle", "history",
  "indexedDB", "location", "navigator", "sessionStorage", "setTimeout", "window"];

export default [{
  files: ["facegen/**/*.js"],
  languageOptions: {
    ecmaVersion: 2024,
    sourceType: "module",
    globals: Object.fromEntries(browser.map((name) => [name, "readonly"])),
  },
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: {
    "array-callback-return": "error",
    "consistent-return": "error",
    "curly": ["error", "multi-line"],
    "eqeqeq": "error",
    "max-lines": ["error", 150],
    "no-dupe-keys": "error",
    "no-duplicate-imports": "error",
    "no-eval": "error",
    "no-fallthrough": "error",
    "no-implied-eval": "error",
    "no-redeclare": "error",
    "no-shadow": "error",
    "no-undef": "error",
    "no-unreachable": "error",
    "no-unused-expressions": "error",
    "no-unused-vars": "error",
    "no-use-before-define": ["error", { functions: false }],
    "no-var": "error",
    "prefer-const": "error",
    "valid-typeof": "error",
  },
}];
