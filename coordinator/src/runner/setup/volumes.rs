//! EBS volumes, with content planted.

use serde_json::{Value, json};

use super::{Maker, SetUpFailed};
use crate::runner::ask::Refusal;
use crate::runner::world::Volume;
use crate::scenario::bytes;
use crate::scenario::plan::world::{Named, VolumePlan};

impl Maker<'_> {
    pub(super) async fn volumes(&mut self) -> Result<(), SetUpFailed> {
        let plan = self.plan;
        for (name, volume) in &plan.volumes {
            self.span.set(volume.span);
            let made = self.volume(name, volume).await?;
            self.world.volumes.insert(name.clone(), made);
        }
        Ok(())
    }

    async fn volume(&self, name: &str, plan: &Named<VolumePlan>) -> Result<Volume, SetUpFailed> {
        let (account, region) = (self.account(&plan.what.account), plan.what.region.clone());
        let key = plan.what.kms_key_id.as_deref();
        let mut create = json!({
            "availability_zone": format!("{region}a"),
            "size": plan.what.size.unwrap_or(1),
            "encrypted": plan.what.encrypted.or(key.map(|_| true)),
        });
        if let Some(key) = key {
            create["kms_key_id"] = self.key_arn(key, &region).into();
        }
        let made = self
            .root(&account, &region, "ec2.create_volume", create)
            .await?;
        let id = made["volume_id"].as_str().unwrap_or_default().to_owned();
        let available = |value: &Value| value["volumes"][0]["state"] == "available";
        self.until(
            &account,
            &region,
            "ec2.describe_volumes",
            json!({ "volume_ids": [id] }),
            available,
        )
        .await?;
        if let Some(content) = &plan.what.content {
            let secret = bytes::read(content).unwrap_or_default();
            self.sim.add_canary(&format!("{name}.content"), &secret);
            let plant = json!({ "volume_id": id, "content": content });
            let answer = self.sim.plant(&region, "volume_content", &plant);
            let problem = match &answer {
                None => Some("the Region did not answer".to_owned()),
                Some(answer) => answer
                    .get("error")
                    .map(|error| error.as_str().unwrap_or("refused").to_owned()),
            };
            if let Some(problem) = problem {
                return Err(SetUpFailed {
                    span: self.span.get(),
                    asked: format!("content of volume {name} in {region}"),
                    refusal: Refusal::own("NotPlanted", problem, self.sim.now()),
                });
            }
        }
        Ok(Volume {
            account,
            region,
            id,
        })
    }
}
