import { defineConfig } from "../../../src/config-file/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: ["d MMM yy", "MMMM d, yyyy h:mm a", "EEE, dd MMM yyyy HH:mm:ss X"] },
        },
    ],
});
