import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "*.csv", skipLines: 2 }],
});
