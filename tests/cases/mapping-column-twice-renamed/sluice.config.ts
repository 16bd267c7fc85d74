import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "*.csv", aliases: { x: "attributes.y" } }],
});
