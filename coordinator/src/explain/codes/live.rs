//! L00xx: what live nodes cannot do, said by `run --live` before anything runs.

use super::Code;
use super::Frame::Steps;

pub(super) static CODES: &[Code] = &[Code {
    code: "L0001",
    title: "not on live nodes",
    text: "`run --live` carries a file out by real processes on the wall clock. What looks into a Region, breaks a simulated machine or waits for longer than ten minutes cannot be had there; oracles are not judged, which is a warning. Without `--live` the file runs as it is.",
    frame: Steps,
    wrong: "- look.replication: {}\n",
    right: "- kms.list_keys: {}\n",
}];
