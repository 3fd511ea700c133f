import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "jsdom", // the one that DOMPurify's authors test with
    include: ["tests/**/*.test.js"],
    testTimeout: 60_000,
  },
});
