"""What the assets partitioned by actor share: partitions, incremental updates, events for each partition."""
