//! What iam promises.
