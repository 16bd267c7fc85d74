/** As an ingest has them by default. */
export const readingLimits = {
    maxRecordBytes: 1024 * 1024,
};
