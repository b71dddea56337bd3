"""The DuckDB tables, declared once: columns with type, unit and description.

Reading and writing rows belongs to `storage.warehouse`.
"""
