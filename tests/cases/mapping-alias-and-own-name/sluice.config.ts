import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            aliases: { sku: "product_id" },
        },
    ],
});
