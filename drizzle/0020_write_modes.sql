ALTER TABLE "ingest"."streams" DROP CONSTRAINT "streams_mode";--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "updated" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "superseded" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "deleted" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "removed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunk_merges" ADD COLUMN "updated" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunk_merges" ADD COLUMN "superseded" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunk_merges" ADD COLUMN "deleted" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunk_merges" ADD COLUMN "removed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" ADD COLUMN "updated" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" ADD COLUMN "superseded" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" ADD COLUMN "deleted" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" ADD COLUMN "removed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."slices" ADD COLUMN "last_chunk" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."totals" ADD COLUMN "updated" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."totals" ADD COLUMN "superseded" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."totals" ADD COLUMN "deleted" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."totals" ADD COLUMN "removed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD CONSTRAINT "streams_mode" CHECK (mode in ('insert', 'append', 'upsert', 'snapshot'));