//! What EC2 promises, as tests.
