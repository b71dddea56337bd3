"""What asset pages show: counts, tables, schemas and thumbnails."""
