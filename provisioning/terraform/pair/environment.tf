# The environment files. They hold settings and the name of the secret, never a secret: user data is readable by every
# process of the machine, and in the console.

locals {
  witness_members = { for name, witness in var.witnesses : name => "${name}=${witness.private_ip}:${local.heartbeat_port}" }
  node_members    = { for name, node in var.nodes : name => "${name}=${node.private_ip}:${local.heartbeat_port}" }

  common_settings = merge({
    CLUSTER_ID    = var.cluster_id
    AWS_REGION    = local.region
    LISTEN        = "0.0.0.0:${local.heartbeat_port}"
    PEER_SIP_PORT = tostring(local.sip_port)
    EIP_SIP_PORT  = tostring(local.sip_port)
  }, var.settings)

  node_settings = {
    for name, node in var.nodes : name => merge(
      local.common_settings,
      {
        NODE_ID           = name
        ROLE              = "node"
        PEERS             = join(",", [for peer, member in local.node_members : member if peer != name])
        WITNESSES         = join(",", values(local.witness_members))
        EIP_ALLOCATION_ID = var.eip_allocation_id
        # Known here, so a node that boots needs no answer of EC2's to configure its Asterisk.
        ELASTIC_IP        = data.aws_eip.shared.public_ip
        STASIS_APPS       = join(",", var.stasis_apps)
        INCOMING_APP      = var.incoming_app == null ? "" : var.incoming_app
        SECRET_ID         = local.secret_arn
        METRICS_NAMESPACE = var.metrics_namespace
        SIP_ADDRESS       = "127.0.0.1:${local.sip_port}"
        SIP_TCP           = tostring(var.sip_tcp)
      },
      var.aws_path == "management-address" ? { AWS_LOCAL_ADDRESS = node.management_ip == null ? "" : node.management_ip } : {},
      var.database_endpoint == null ? {} : {
        DATABASE_HOST = var.database_endpoint.host
        DATABASE_PORT = tostring(var.database_endpoint.port)
        DATABASE_NAME = var.database_endpoint.name
      },
      # With endpoints the EC2 name resolves to a private address, so it would no longer prove the public path.
      var.aws_path == "management-address" ? {} : { REFERENCE_PUBLIC = lookup(var.settings, "REFERENCE_PUBLIC", "checkip.amazonaws.com:443") },
    )
  }

  witness_settings = {
    for name in keys(var.witnesses) : name => merge(local.common_settings, {
      NODE_ID   = name
      ROLE      = "witness"
      PEERS     = join(",", values(local.node_members))
      SECRET_ID = local.witness_secret_arn
      }, var.cold_standby ? {
      COLD_STANDBY      = "true"
      EIP_ALLOCATION_ID = var.eip_allocation_id
      WITNESSES         = join(",", [for witness, member in local.witness_members : member if witness != name])
    } : {})
  }

  user_data = "${path.module}/user-data.sh.tftpl"

  node_user_data = {
    for name, settings in local.node_settings : name => templatefile(local.user_data, { asks_for_peers = "yes", app_settings = join("\n", local.stasis_app_lines[name]), settings = join("\n", [for key, value in settings : "${key}=${value}" if value != ""]) })
  }

  witness_user_data = {
    for name, settings in local.witness_settings : name => templatefile(local.user_data, { asks_for_peers = var.cold_standby ? "yes" : "no", app_settings = "", settings = join("\n", [for key, value in settings : "${key}=${value}" if value != ""]) })
  }
}
