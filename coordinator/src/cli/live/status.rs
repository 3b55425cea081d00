//! `faultline status`: how the nodes of a live world are.

use clap::Args;
use faultline_proto::driving::NodeStatus;
use serde_json::{Value, json};

use super::Where;
use crate::cli::out;
use crate::exit::Exit;
use crate::live::client::words;
use crate::live::known::Known;
use crate::live::trouble;

/// Show how every node of a live world is, and the faults in force.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    place: Where,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Asks every node. Exit 1 when one cannot be reached.
#[must_use]
pub fn status(args: &StatusArgs) -> Exit {
    super::block_on(async {
        let known = Known::of(args.place.folder())?;
        let faults = trouble::in_force(&known.folder)?;
        let mut nodes = Vec::new();
        for (node, client) in known.saved.regions.iter().zip(&known.clients) {
            nodes.push((node, client.status().await));
        }
        let all = nodes.iter().all(|(_, status)| status.is_ok());
        if args.json {
            let nodes: Vec<Value> = nodes
                .iter()
                .map(|(node, status)| {
                    let mut value = json!({
                        "region": node.region, "grpc": node.grpc, "aws": node.aws, "ready": status.is_ok(),
                    });
                    match status {
                        Ok(status) => value["node"] = told(status),
                        Err(status) => value["problem"] = words(status).into(),
                    }
                    value
                })
                .collect();
            out(&format!(
                "{:#}\n",
                json!({ "front": known.saved.front, "scheme": known.saved.scheme(), "nodes": nodes, "faults": faults })
            ));
        } else {
            if let Some(front) = known.saved.front {
                let scheme = known.saved.scheme();
                out(&format!("{:<16} {scheme}://{front}\n", "front door"));
            }
            for (node, status) in &nodes {
                match status {
                    Ok(status) => out(&line(status)),
                    Err(status) => out(&format!(
                        "{:<16} DOWN: {}\n",
                        node.region.as_str(),
                        words(status)
                    )),
                }
            }
            for fault in &faults {
                out(&format!("fault {fault}\n"));
            }
        }
        Ok(if all { Exit::Passed } else { Exit::Failed })
    })
}

fn told(status: &NodeStatus) -> Value {
    let peers: Vec<Value> = status
        .peers
        .iter()
        .map(|peer| {
            json!({
                "region": peer.region, "state": peer.state, "problem": peer.problem,
                "sent": peer.sent, "received": peer.received, "dropped": peer.dropped,
            })
        })
        .collect();
    json!({
        "process": status.process, "up_for_us": status.up_for, "ready_after_us": status.ready_after,
        "clock_skew_us": status.skew, "calls": status.calls, "peers": peers,
    })
}

fn line(status: &NodeStatus) -> String {
    let mut text = format!(
        "{:<16} ready in {:.1} ms, up for {} s, process {}, {} calls",
        status.region,
        status.ready_after as f64 / 1000.0,
        status.up_for / 1_000_000,
        status.process,
        status.calls
    );
    if status.skew != 0 {
        text += &format!(", clock off by {} ms", status.skew / 1000);
    }
    text.push('\n');
    for peer in &status.peers {
        text += &format!(
            "    to {:<16} {}, {} sent, {} received, {} dropped",
            peer.region, peer.state, peer.sent, peer.received, peer.dropped
        );
        if !peer.problem.is_empty() {
            text += &format!(" ({})", peer.problem);
        }
        text.push('\n');
    }
    text
}
