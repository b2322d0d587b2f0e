"""Where photos arrive, wait, and end up: two buckets, an inbox queue and its dead-letter queue."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

TRIES = 5
"""How often a photo is tried before it moves to the dead-letter queue.

"Set maxReceiveCount to at least 5" (Lambda developer guide, "Using Lambda with Amazon SQS"). With fewer tries, a burst
that reaches Lambda's concurrency limit would end there although nothing is wrong.
"""

RETRY_AFTER = (10, 60, 300, 900)
"""Maximum seconds between one try and the next, if the function survived the failure.

Throttling and AWS failures mostly pass within seconds, much less than the queue's visibility time-out of three
minutes. The waits together also cover a failure of at least ten minutes: each is shortened by up to half at random.
"""


class PhotoStore(Construct):
    """The raw bucket sends an event for each photo to the inbox. The processed bucket holds pictures and results.

    S3 does not call the function directly, because Lambda drops an asynchronous event after two retries, and a room
    that uploads all its photos together exceeds Rekognition's quota of a few calls a second.
    """

    def __init__(self, scope: Construct, id_: str, *, keep_days: int, processing_timeout: Duration) -> None:
        super().__init__(scope, id_)
        # Versioned, so that the function reads exactly the version in the event and can check whether it is current.
        self.raw = self._bucket("Raw", keep_days, versioned=True)
        self.processed = self._bucket("Processed", keep_days)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # A message keeps its original date when it moves here, so this must be longer than the inbox's.
            retention_period=Duration.days(14),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.inbox = sqs.Queue(
            self,
            "Inbox",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # As long as the photo itself, if SQS allows it, so that photos still wait when step 5 follows days later.
            retention_period=Duration.days(min(keep_days + 2, 13)),
            # "at least six times" the function's time-out (Lambda developer guide, "Configuring a queue").
            visibility_timeout=Duration.seconds(6 * processing_timeout.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=TRIES),
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._notify_inbox_of_photos()
        self._alarm_on_dead_letters()

    def grant_reading_photos(self, role: iam.IRole) -> None:
        """Lets `role` read any version of a raw photo, and ask which version is current.

        For a missing object, S3 answers 403 instead of 404 unless the caller can list the bucket
        (S3 API reference, HeadObject, "Permissions").
        """
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:GetObjectVersion"], resources=[self.raw.arn_for_objects("*")]
            )
        )
        role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.raw.bucket_arn]))

    def grant_storing_results(self, role: iam.IRole) -> None:
        """Lets `role` store pictures and results, read results, and remove those of other versions."""
        pictures, results = (self.processed.arn_for_objects(f"{folder}/*") for folder in ("pictures", "results"))
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:PutObject", "s3:DeleteObject"], resources=[pictures, results])
        )
        role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[results]))
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.processed.bucket_arn])
        )

    def grant_emptying_inbox(self, role: iam.IRole) -> None:
        """Lets Lambda read the inbox as `role`, and the function set when a failed message is delivered again.

        The first three actions are those of an event source mapping (Lambda developer guide, "Execution role
        permissions").
        """
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ChangeMessageVisibility",
                ],
                resources=[self.inbox.queue_arn],
            )
        )

    def _bucket(self, id_: str, keep_days: int, *, versioned: bool = False) -> s3.Bucket:
        return s3.Bucket(
            self,
            id_,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=versioned,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ForgetPhotos",
                    # In a versioned bucket, this hides a photo behind a delete marker. The next line deletes the photo
                    # one or two days later, and S3 then removes the marker (S3 user guide, "Expiring objects").
                    expiration=Duration.days(keep_days),
                    noncurrent_version_expiration=Duration.days(1) if versioned else None,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        )

    def _notify_inbox_of_photos(self) -> None:
        """Sets the raw bucket's notification as a property of the bucket.

        `add_event_notification` would add a function of CDK's own, with a log group that outlives the stack. The
        queue's policy names the account instead of the bucket, because the bucket must wait for the policy: S3 sends
        a test message when the notification is set. Uploads above 8 MB arrive as CompleteMultipartUpload, hence `*`.
        """
        self.inbox.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LetS3AnnouncePhotos",
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.inbox.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        bucket = self.raw.node.default_child
        assert isinstance(bucket, s3.CfnBucket)  # noqa: S101 - true for every L2 bucket
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectCreated:*", queue=self.inbox.queue_arn)
            ]
        )
        bucket.node.add_dependency(self.inbox.node.find_child("Policy"))

    def _alarm_on_dead_letters(self) -> None:
        cloudwatch.Alarm(
            self,
            "PhotosFailed",
            alarm_description=(
                "Photos could not be annotated after several tries. See the cause with `emotions why PHOTO`, "
                "fix it, then retry the photos with `emotions redrive`."
            ),
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
