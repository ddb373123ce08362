//! Which instance gets the request.

use std::rc::Rc;

use crate::core::Core;
use crate::endpoint::Endpoint;
use crate::failure::Failure;

/// The next instance of `service`, another one than `tried`.
pub(crate) fn pick(
    core: &Core,
    service: &str,
    tried: Option<&Rc<Endpoint>>,
) -> Result<Rc<Endpoint>, Failure> {
    let picked = core.endpoints().pick(service, tried);
    picked.ok_or_else(|| Failure::NoInstance { service: service.to_owned() })
}
