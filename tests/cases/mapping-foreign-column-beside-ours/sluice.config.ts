import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            aliases: { user_id: "attributes", customer: "user_id", list: "attributes.price" },
        },
    ],
});
