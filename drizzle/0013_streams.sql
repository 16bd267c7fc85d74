CREATE TABLE "ingest"."streams" (
	"stream_id" smallint PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"table_name" text NOT NULL,
	"mode" text NOT NULL,
	"declaration" jsonb,
	"shape" jsonb,
	"shape_hash" text,
	"is_active" boolean DEFAULT true NOT NULL,
	CONSTRAINT "streams_name" UNIQUE("name"),
	CONSTRAINT "streams_mode" CHECK (mode in ('insert'))
);
--> statement-breakpoint
DROP INDEX "ingest"."chunks_open";--> statement-breakpoint
DROP INDEX "ingest"."files_pending";--> statement-breakpoint
ALTER TABLE "ingest"."reject_stats" DROP CONSTRAINT "reject_stats_day_kind_reason_pk";--> statement-breakpoint
ALTER TABLE "ingest"."file_stats" DROP CONSTRAINT "file_stats_pkey";--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" DROP CONSTRAINT "pruned_totals_pkey";--> statement-breakpoint
ALTER TABLE "ingest"."slices" DROP CONSTRAINT "slices_pkey";--> statement-breakpoint
ALTER TABLE "ingest"."totals" DROP CONSTRAINT "totals_pkey";--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."chunks" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."file_changes" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."file_stats" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."loads" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."reject_stats" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."slices" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."totals" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."file_stats" ADD CONSTRAINT "file_stats_stream_id_state_pk" PRIMARY KEY("stream_id","state");--> statement-breakpoint
ALTER TABLE "ingest"."pruned_totals" ADD CONSTRAINT "pruned_totals_stream_id_kind_pk" PRIMARY KEY("stream_id","kind");--> statement-breakpoint
ALTER TABLE "ingest"."reject_stats" ADD CONSTRAINT "reject_stats_stream_id_day_kind_reason_pk" PRIMARY KEY("stream_id","day","kind","reason");--> statement-breakpoint
ALTER TABLE "ingest"."slices" ADD CONSTRAINT "slices_stream_id_slice_no_pk" PRIMARY KEY("stream_id","slice_no");--> statement-breakpoint
ALTER TABLE "ingest"."totals" ADD CONSTRAINT "totals_stream_id_kind_pk" PRIMARY KEY("stream_id","kind");--> statement-breakpoint
CREATE INDEX "chunks_open" ON "ingest"."chunks" USING btree ("stream_id","chunk_id") WHERE state in ('staged', 'pending');--> statement-breakpoint
CREATE INDEX "files_pending" ON "ingest"."files" USING btree ("stream_id","path" collate "C") WHERE state in ('pending', 'failed');--> statement-breakpoint
ALTER TABLE "ingest"."batches" ADD CONSTRAINT "batches_kind" CHECK (kind in ('merge', 'replay'));--> statement-breakpoint
ALTER TABLE "ingest"."chunks" ADD CONSTRAINT "chunks_state" CHECK (state in ('held', 'staged', 'pending', 'merged', 'failed'));--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD CONSTRAINT "files_state" CHECK (state in ('pending', 'loaded', 'merged', 'skipped', 'failed', 'replaced'));--> statement-breakpoint
ALTER TABLE "ingest"."loads" ADD CONSTRAINT "loads_state" CHECK (state in ('loading', 'staged', 'abandoned', 'swept'));--> statement-breakpoint
ALTER TABLE "ingest"."loads" ADD CONSTRAINT "loads_way" CHECK (way in ('raw', 'tolerant', 'replay'));--> statement-breakpoint
-- New rows are checked. The old ones are not read for it: rejects may be many, and nothing can use the ledger meanwhile.
ALTER TABLE "ingest"."rejects" ADD CONSTRAINT "rejects_kind" CHECK (kind in ('rejected', 'conflict')) NOT VALID;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD CONSTRAINT "rejects_resolution" CHECK (resolution in ('inserted', 'duplicate', 'accepted', 'conflict', 'rejected', 'displaced')) NOT VALID;