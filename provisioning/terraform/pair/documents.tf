# What an operator starts from the console (Systems Manager, Documents, "Owned by me"). The documents' defaults are this
# cluster's, so there is nothing to fill in but what the operator decides.

locals {
  documents = {
    HealthCheck     = { file = "health-check", type = "Command" }
    AskSwitchover   = { file = "ask-switchover", type = "Command" }
    DeployBundle    = { file = "deploy-bundle", type = "Command" }
    RefreshSettings = { file = "refresh-settings", type = "Command" }
    Switchover      = { file = "switchover", type = "Automation" }
    RollingBundle   = { file = "rolling-bundle", type = "Automation" }
    RollingImage    = { file = "rolling-image", type = "Automation" }
  }
}

resource "aws_ssm_document" "this" {
  for_each        = local.documents
  name            = "${local.name}-${each.key}"
  document_type   = each.value.type
  document_format = "YAML"
  target_type     = each.value.type == "Command" ? "/AWS::EC2::Instance" : null
  tags            = local.tags

  content = templatefile("${path.module}/../../ssm/${each.value.file}.yaml", {
    cluster_id    = var.cluster_id
    prefix        = local.name
    allocation_id = var.eip_allocation_id
    instance_a    = aws_instance.node[keys(var.nodes)[0]].id
    instance_b    = aws_instance.node[keys(var.nodes)[1]].id
  })
}
