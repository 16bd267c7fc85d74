export default {
    sources: [
        { match: "orders-*.csv", timestamps: { format: "yyyy-MM-dd HH:mm:ss", offset: "+02:00" } },
        { match: "*.csv", timestamps: { format: "yyyy-MM-dd HH:mm:ss", offset: "-03:00" } },
        { match: "packed*.csv.gz", timestamps: { format: "yyyy-MM-dd HH:mm:ss", offset: "+05:30" } },
    ],
};
