//! The front door of a live world, in the process of `faultline up`.

use std::net::SocketAddr;

use faultline_node::gateway::front::{Front, Reset};
use faultline_node::gateway::limits::Limits;
use faultline_node::tls::{self, Tls, TlsFiles};
use tokio::net::TcpListener;

use super::certificates::{CA, FRONT};
use super::folder::Folder;
use super::saved::Saved;

/// A front door that listens, and is not served yet.
pub struct Entrance {
    listener: TcpListener,
    front: Front,
}

impl Entrance {
    /// Listens at the address of a world.
    ///
    /// # Errors
    /// A sentence when the address cannot be used, or a certificate.
    pub async fn open(
        folder: &Folder,
        saved: &Saved,
        at: SocketAddr,
        reset: Option<Reset>,
    ) -> Result<Self, String> {
        let listener = TcpListener::bind(at)
            .await
            .map_err(|error| format!("the front door cannot listen on {at}: {error}"))?;
        let nodes = saved.regions.iter();
        let nodes = nodes.map(|node| (node.region.clone(), node.aws)).collect();
        let tls = match &saved.tls {
            None => None,
            Some(told) => {
                let files = TlsFiles {
                    ca: folder.join(CA),
                    cert: folder.join("front/node.pem"),
                    key: folder.join("front/node.key"),
                    public: told.public.clone(),
                };
                let shown = Tls::load(&files, FRONT)?;
                Some((shown.acceptor(tls::AWS)?, shown.connector(tls::AWS)?))
            }
        };
        let front = Front {
            nodes,
            home: saved.home.clone(),
            limits: Limits::default(),
            tls,
            reset,
        };
        Ok(Self { listener, front })
    }

    /// Serves until `stop` resolves.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        self.front.run(self.listener, stop).await;
    }
}
