//! What the harness promises.
