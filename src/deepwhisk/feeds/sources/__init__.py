"""One file a source: listing always runs; webhooks, MinIO's event stream and SQS make it fast."""
