import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            aliases: { user_id: "attributes", customer: "user_id", list: "attributes.price" },
        },
    ],
});
