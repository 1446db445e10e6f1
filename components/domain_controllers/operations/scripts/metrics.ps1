function Send-Metric {
    # Puts a metric of this instance.
    param([string] $Name, [double] $Value)
    Import-AwsTool -Command 'Write-CWMetricData' -Module 'AWS.Tools.CloudWatch'
    $identity = Get-Identity
    $dimension = New-Object -TypeName 'Amazon.CloudWatch.Model.Dimension'
    $dimension.Name = 'InstanceId'
    $dimension.Value = $identity.instanceId
    $datum = New-Object -TypeName 'Amazon.CloudWatch.Model.MetricDatum'
    $datum.MetricName = $Name
    $datum.Value = $Value
    $datum.Timestamp = [datetime]::UtcNow
    # Version 5 of the tools leaves collections empty.
    $datum.Dimensions = [System.Collections.Generic.List[Amazon.CloudWatch.Model.Dimension]] @($dimension)
    Write-CWMetricData -Namespace '%NAMESPACE%' -MetricData $datum -Region $identity.region
}
