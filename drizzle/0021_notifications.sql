CREATE TABLE "ingest"."notifications" (
	"notification_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ingest"."notifications_notification_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"message_id" text NOT NULL,
	"stream_id" smallint,
	"body" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "notifications_message_id" UNIQUE("message_id")
);
--> statement-breakpoint
CREATE TABLE "ingest"."notifier" (
	"notifier_id" smallint PRIMARY KEY DEFAULT 0 NOT NULL,
	"holder" uuid,
	"lease_until" timestamp with time zone,
	"delivered" bigint DEFAULT 0 NOT NULL,
	"failed_attempts" bigint DEFAULT 0 NOT NULL,
	"given_up" bigint DEFAULT 0 NOT NULL,
	"last_delivered_at" timestamp with time zone,
	"last_failed_at" timestamp with time zone,
	"last_failure" text
);
--> statement-breakpoint
CREATE TABLE "ingest"."told_states" (
	"stream_id" smallint PRIMARY KEY NOT NULL,
	"told" text NOT NULL,
	"told_since" timestamp with time zone,
	"told_at" timestamp with time zone,
	"seen" text NOT NULL,
	"seen_since" timestamp with time zone NOT NULL,
	"troubled_since" timestamp with time zone,
	"is_watched" boolean,
	"version" integer NOT NULL
);
