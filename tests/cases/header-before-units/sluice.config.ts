import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "*.csv", skipAfterHeader: 1 }],
});
