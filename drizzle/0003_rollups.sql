CREATE TABLE "ingest"."file_changes" (
	"state" text NOT NULL,
	"files" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ingest"."file_stats" (
	"state" text PRIMARY KEY NOT NULL,
	"files" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ingest"."product_stats" (
	"grain" text NOT NULL,
	"bucket" timestamp with time zone NOT NULL,
	"product_id" varchar(100) NOT NULL,
	"events" bigint NOT NULL,
	"purchases" bigint NOT NULL,
	"quantity" bigint NOT NULL,
	"revenue" numeric NOT NULL,
	CONSTRAINT "product_stats_grain_bucket_product_id_pk" PRIMARY KEY("grain","bucket","product_id")
);
--> statement-breakpoint
CREATE TABLE "ingest"."reject_stats" (
	"day" date NOT NULL,
	"kind" text NOT NULL,
	"reason" text NOT NULL,
	"rejects" bigint NOT NULL,
	"resolved" bigint NOT NULL,
	"first_rejected_at" timestamp with time zone NOT NULL,
	"last_rejected_at" timestamp with time zone NOT NULL,
	"last_reject_id" bigint NOT NULL,
	CONSTRAINT "reject_stats_day_kind_reason_pk" PRIMARY KEY("day","kind","reason")
);
--> statement-breakpoint
CREATE TABLE "ingest"."totals" (
	"kind" text PRIMARY KEY NOT NULL,
	"batches" bigint NOT NULL,
	"read" bigint NOT NULL,
	"inserted" bigint NOT NULL,
	"duplicate" bigint NOT NULL,
	"conflict" bigint NOT NULL,
	"rejected" bigint NOT NULL,
	"displaced" bigint NOT NULL
);
