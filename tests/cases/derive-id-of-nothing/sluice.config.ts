import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            deriveEventId: { from: ["Ref"], namespace: "6ba7b811-9dad-11d1-80b4-00c04fd430c8" },
        },
    ],
});
