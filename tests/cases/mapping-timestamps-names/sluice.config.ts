import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: ["d MMM yy", "MMMM d, yyyy h:mm a", "EEE, dd MMM yyyy HH:mm:ss X"] },
        },
    ],
});
