"""The archive.

What Jackfield remembers, one file per family of tables, on SQLite and PostgreSQL alike.

Flows open transactions (`Database.write`, `Database.read`); the functions here receive them. Every
row belongs to a tenant (our own number; 0 is the installation itself), and `tenant` is the first
column of every key and index.
"""
