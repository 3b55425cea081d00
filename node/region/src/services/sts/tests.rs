//! What sts promises.
