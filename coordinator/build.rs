//! The labs are put into the program: it is built again when they change.

fn main() {
    println!("cargo:rerun-if-changed=../scenarios/labs");
}
