CREATE TABLE "ingest"."history" (
	"history_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ingest"."history_history_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"stream_id" smallint DEFAULT 0 NOT NULL,
	"what" text NOT NULL,
	"chunk_id" bigint NOT NULL,
	"record_no" bigint NOT NULL,
	"batch_id" bigint NOT NULL,
	"key" text NOT NULL,
	"record" jsonb NOT NULL,
	"kept_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "history_what" CHECK (what in ('replaced', 'deleted', 'superseded'))
);
--> statement-breakpoint
CREATE TABLE "ingest"."tombstones" (
	"stream_id" smallint DEFAULT 0 NOT NULL,
	"key" text NOT NULL,
	"version" text,
	"chunk_id" bigint NOT NULL,
	"record_no" bigint NOT NULL,
	"deleted_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tombstones_stream_id_key_pk" PRIMARY KEY("stream_id","key")
);
--> statement-breakpoint
ALTER TABLE "ingest"."rejects" DROP CONSTRAINT "rejects_resolution";--> statement-breakpoint
CREATE INDEX "history_batch" ON "ingest"."history" USING btree ("batch_id");--> statement-breakpoint
CREATE INDEX "history_key" ON "ingest"."history" USING btree ("stream_id",left(key, 100));--> statement-breakpoint
CREATE INDEX "history_kept_at" ON "ingest"."history" USING brin ("kept_at") WITH (pages_per_range=32);--> statement-breakpoint
CREATE INDEX "tombstones_deleted_at" ON "ingest"."tombstones" USING brin ("deleted_at") WITH (pages_per_range=32);--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD CONSTRAINT "rejects_resolution" CHECK (resolution in ('inserted', 'duplicate', 'accepted', 'conflict', 'rejected', 'displaced', 'updated', 'superseded', 'deleted'));