ALTER TABLE "ingest"."files" ADD COLUMN "is_unmatched" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "waits_as" text;