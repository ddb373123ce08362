//! Against real PostgreSQL: a database each, emptied first where a test brings its own migrations.

mod fixture;
mod run;
mod schema;
