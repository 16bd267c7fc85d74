ALTER TABLE "ingest"."files" DROP CONSTRAINT "files_path_version";--> statement-breakpoint
ALTER TABLE "ingest"."loader_lease" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."rejects" ADD COLUMN "retry_when" text;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "home" text DEFAULT 'ingest' NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "files" text;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "problem" text;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "problem_detail" text;--> statement-breakpoint
ALTER TABLE "ingest"."streams" ADD COLUMN "problem_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ingest"."workers" ADD COLUMN "stream_id" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "ingest"."files" ADD CONSTRAINT "files_path_version" UNIQUE("stream_id","path","version");