//! From the definitions to Rust, without protoc.
//!
//! protox compiles `defs/`; prost writes the messages, tonic the clients (and the
//! server of the driving protocol); our own generator reads options and comments
//! and writes the static tables (`registry.rs`) and the handler traits
//! (`handlers.rs`).

#[path = "build/handlers.rs"]
mod handlers;
#[path = "build/model.rs"]
mod model;
#[path = "build/tables.rs"]
mod tables;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=defs");
    println!("cargo:rerun-if-changed=build");
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);

    let mut compiler = protox::Compiler::new(["defs"])?;
    compiler.include_source_info(true).include_imports(true);
    for folder in ["aws", "faultline"] {
        let mut files: Vec<_> = fs::read_dir(Path::new("defs").join(folder))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.sort();
        compiler.open_files(files)?;
    }

    // Options live in the pool only: plain descriptor sets lose extensions.
    let services = model::read(&compiler.descriptor_pool());
    fs::write(out.join("registry.rs"), tables::write(&services))?;
    fs::write(out.join("handlers.rs"), handlers::write(&services))?;
    fs::write(
        out.join("descriptors.bin"),
        without_source(&compiler).encode_to_vec(),
    )?;
    rust(&compiler, out)
}

/// What reflection serves: no comments, options kept as they are on the wire.
fn without_source(compiler: &protox::Compiler) -> prost_reflect::DynamicMessage {
    let bytes = compiler.encode_file_descriptor_set();
    let pool = prost_reflect::DescriptorPool::global();
    let set = pool
        .get_message_by_name("google.protobuf.FileDescriptorSet")
        .expect("the global pool holds protobuf's own types");
    let mut set = prost_reflect::DynamicMessage::decode(set, bytes.as_slice())
        .expect("protox encodes descriptor sets");
    if let Some(files) = set
        .get_field_by_name_mut("file")
        .and_then(|files| files.as_list_mut())
    {
        for file in files {
            if let Some(file) = file.as_message_mut() {
                file.clear_field_by_name("source_code_info");
            }
        }
    }
    set
}

/// Messages and stubs. The options' own file is of no use in Rust.
fn rust(compiler: &protox::Compiler, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut set = compiler.file_descriptor_set();
    set.file
        .retain(|file| file.package() != "faultline.aws" && !file.package().starts_with("google."));
    let (aws, driving): (Vec<_>, Vec<_>) = set
        .file
        .into_iter()
        .partition(|file| file.package().starts_with("faultline.aws."));
    for (files, server) in [(aws, false), (driving, true)] {
        tonic_prost_build::configure()
            .build_server(server)
            .build_client(true)
            .btree_map(".")
            .out_dir(out)
            .emit_rerun_if_changed(false)
            .compile_fds(prost_reflect::prost_types::FileDescriptorSet { file: files })?;
    }
    Ok(())
}
