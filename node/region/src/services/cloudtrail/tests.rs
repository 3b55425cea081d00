//! What cloudtrail promises.
