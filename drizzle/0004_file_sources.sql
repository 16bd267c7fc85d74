ALTER TABLE "ingest"."files" ADD COLUMN "missing_columns" text[];--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "ignored_columns" text[];--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "source" jsonb;