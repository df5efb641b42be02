# The settings of the Stasis app, in a file of their own beside the agent's: the agent refuses names that it does not know.

locals {
  # One topic by its whole name takes all events unless stasis_app says otherwise; a pattern names none.
  call_event_sink = var.call_event_topic == null ? {} : endswith(var.call_event_topic, "*") ? {} : {
    APP_SINK       = "sns"
    APP_SNS_TOPICS = "*=arn:${local.partition}:sns:${local.region}:${local.account}:${var.call_event_topic}"
  }

  # A comment to begin with, because the app runs where there is a file, also with every setting at its default.
  stasis_app_lines = {
    for name, node in var.nodes : name => var.stasis_app == null ? [] : concat(
      ["# Written at every boot, from Terraform's variable stasis_app."],
      [for key, value in merge(local.call_event_sink, length(var.stasis_app_api_cidrs) == 0 ? {} : { APP_LISTEN = "${node.private_ip}:${local.stasis_app_port}" }, var.stasis_app) : "${key}=${value}"],
    )
  }
}
